using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Tags;

/// <summary>Registers the room.</summary>
public static class TagsServices
{
    /// <summary>Adds tags; needs the database.</summary>
    public static IServiceCollection AddTags(this IServiceCollection services) => services.AddSingleton<TagIndex>();
}
