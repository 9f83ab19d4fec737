using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Tests.Workers;

public sealed class StartMistakeTests
{
    [Theory]
    [InlineData("No such compatibility flag: no_such_flag", "compatibilityFlags", "no_such_flag")]
    [InlineData("Failed to start Worker:\nUncaught SyntaxError: Unexpected token '}'\n  at file:///bundle/lib/bad.js:1:24", "modules[lib/bad.js]", "Line 1, character 24: SyntaxError")]
    [InlineData("Failed to start Worker:\nUncaught Error: Module not found: file:///bundle/missing.js", "modules[missing.js]", "not in the upload")]
    [InlineData("Failed to start Worker:\nUncaught Error: boom\n  at file:///bundle/index.js:1:7", "modules[index.js]", "Line 1, character 7: Error: boom")]
    [InlineData("Failed to start Worker:\nUncaught Error: null", "modules", "did not come to an end")]
    [InlineData("Failed to start Worker:\nUncaught TypeError: Cannot initialize N7workerd3api15ExportedHandlerE with required members from an undefined or null value.", "mainModule", "no default export")]
    [InlineData("something new", "modules", "something new")]
    public void What_the_runtime_says_is_told_by_field(string said, string field, string part)
    {
        var error = StartMistake.Explain(Problem.Invalid("modules", said, "Mend it.")).Errors.Single();
        error.Field.ShouldBe(field);
        error.Message.ShouldContain(part);
        error.Remedy.ShouldNotBeEmpty();
    }
}
