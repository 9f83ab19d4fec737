using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace Quarterdeck.Tests.House;

/// <summary>A type by the full name of its outermost declaring type, and its assembly.</summary>
internal readonly record struct TypeName(string Name, string Assembly);

/// <summary>Turns handles and signatures into the names of all types in them; built-in types are left out.</summary>
internal sealed class TypeNames(MetadataReader reader) : ISignatureTypeProvider<ImmutableArray<TypeName>, object?>
{
    private readonly string _own = reader.GetString(reader.GetAssemblyDefinition().Name);

    public TypeName Of(TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        while (type.GetDeclaringType() is { IsNil: false } outer) type = reader.GetTypeDefinition(outer);
        return new TypeName(Full(type.Namespace, type.Name), _own);
    }

    public TypeName Of(TypeReferenceHandle handle)
    {
        var type = reader.GetTypeReference(handle);
        while (type.ResolutionScope.Kind == HandleKind.TypeReference) type = reader.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
        var assembly = type.ResolutionScope.Kind == HandleKind.AssemblyReference
            ? reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name) : _own;
        return new TypeName(Full(type.Namespace, type.Name), assembly);
    }

    private string Full(StringHandle space, StringHandle name) => space.IsNil ? reader.GetString(name) : $"{reader.GetString(space)}.{reader.GetString(name)}";

    public ImmutableArray<TypeName> GetTypeFromDefinition(MetadataReader _, TypeDefinitionHandle handle, byte kind) => [Of(handle)];

    public ImmutableArray<TypeName> GetTypeFromReference(MetadataReader _, TypeReferenceHandle handle, byte kind) => [Of(handle)];

    public ImmutableArray<TypeName> GetTypeFromSpecification(MetadataReader _, object? context, TypeSpecificationHandle handle, byte kind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, context);

    public ImmutableArray<TypeName> GetGenericInstantiation(ImmutableArray<TypeName> type, ImmutableArray<ImmutableArray<TypeName>> arguments) => [.. type, .. arguments.SelectMany(a => a)];

    public ImmutableArray<TypeName> GetFunctionPointerType(MethodSignature<ImmutableArray<TypeName>> signature) => [.. signature.ReturnType, .. signature.ParameterTypes.SelectMany(p => p)];

    public ImmutableArray<TypeName> GetModifiedType(ImmutableArray<TypeName> modifier, ImmutableArray<TypeName> type, bool required) => type;

    public ImmutableArray<TypeName> GetArrayType(ImmutableArray<TypeName> element, ArrayShape shape) => element;

    public ImmutableArray<TypeName> GetSZArrayType(ImmutableArray<TypeName> element) => element;

    public ImmutableArray<TypeName> GetByReferenceType(ImmutableArray<TypeName> element) => element;

    public ImmutableArray<TypeName> GetPointerType(ImmutableArray<TypeName> element) => element;

    public ImmutableArray<TypeName> GetPinnedType(ImmutableArray<TypeName> element) => element;

    public ImmutableArray<TypeName> GetPrimitiveType(PrimitiveTypeCode code) => [];

    public ImmutableArray<TypeName> GetGenericMethodParameter(object? context, int index) => [];

    public ImmutableArray<TypeName> GetGenericTypeParameter(object? context, int index) => [];
}
