using System.Diagnostics.CodeAnalysis;

namespace Quarterdeck.Platform;

/// <summary>Either a value or an expected refusal; what a room answers at its public edge.</summary>
public readonly struct Result<T>
{
    private readonly T? _value;

    private Result(T? value, Problem? problem) => (_value, Problem) = (value, problem);

    /// <summary>The refusal, or null.</summary>
    public Problem? Problem { get; }

    /// <summary>Whether there is a value.</summary>
    [MemberNotNullWhen(false, nameof(Problem))]
    public bool Ok => Problem is null;

    /// <summary>The value; throws <see cref="ProblemException"/> when refused.</summary>
    public T Value => Problem is null ? _value! : throw new ProblemException(Problem);

    /// <summary>Takes the value out, or says why there is none.</summary>
    public bool TryGet([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out Problem? problem)
    {
        (value, problem) = (_value, Problem);
        return problem is null;
    }

    /// <summary>Maps the value; a refusal stays.</summary>
    public Result<TOut> Then<TOut>(Func<T, TOut> map) => Problem is null ? map(_value!) : Problem;

    /// <summary>A value; for interfaces, from which C# converts nothing by itself.</summary>
    public static Result<T> From(T value) => new(value, null);

    public static implicit operator Result<T>(T value) => new(value, null);

    public static implicit operator Result<T>(Problem problem) => new(default, problem);
}

/// <summary>The value of a <see cref="Result{T}"/> that has nothing to tell but success.</summary>
public readonly record struct Done
{
    /// <summary>Success.</summary>
    public static Done It => default;
}
