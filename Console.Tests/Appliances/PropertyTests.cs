using System.Xml.Linq;
using Quarterdeck.Appliances;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Ova;

namespace Quarterdeck.Tests.Appliances;

/// <summary>OVF types and qualifiers: what each takes and what it refuses.</summary>
public sealed class PropertyTests
{
    private static OvaProperty Property(string attributes) => new OvfPropertyReader("p.ovf", null, []).Read(XElement.Parse(
        $"<VirtualSystem xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/1' xmlns:vmw='http://www.vmware.com/schema/ovf'><ProductSection><Property ovf:key='p' ovf:userConfigurable='true' {attributes}/></ProductSection></VirtualSystem>")).Single();

    [Theory]
    [InlineData("uint8", "0", "255", "-1", "256", "1.0", "x", " 1", "1e2")]
    [InlineData("sint8", "-128", "127", "-129", "128")]
    [InlineData("uint16", "0", "65535", "65536", "-1")]
    [InlineData("sint16", "-32768", "32767", "32768")]
    [InlineData("uint32", "0", "4294967295", "4294967296")]
    [InlineData("sint32", "-2147483648", "2147483647", "2147483648")]
    [InlineData("uint64", "0", "18446744073709551615", "18446744073709551616", "-1")]
    [InlineData("sint64", "-9223372036854775808", "9223372036854775807", "9223372036854775808")]
    [InlineData("real32", "-1.5", "3e38", "1e39", "NaN", "x", "Infinity")]
    [InlineData("real64", "-1.5", "1e300", "1e999", "one")]
    [InlineData("boolean", "true", "False", "yes", "1")]
    public void A_type_takes_its_values_and_no_others(string type, string first, string second, params string[] bad)
    {
        var property = Property($"ovf:type='{type}'");
        foreach (var good in new[] { first, second, "" }) PropertyCheck.Check(property, good).ShouldBeNull($"{type} takes '{good}'");
        foreach (var value in bad) PropertyCheck.Check(property, value).ShouldNotBeNull($"{type} does not take '{value}'");
    }

    [Theory]
    [InlineData("ovf:type='string' ovf:qualifiers='MinLen(2) MaxLen(4)'", "ab", "a")]
    [InlineData("ovf:type='string' ovf:qualifiers='MinLen(2),MaxLen(4)'", "abcd", "abcde")]
    [InlineData("ovf:type='string' ovf:qualifiers='ValueMap{\"a b\",\"c}d\",\"e\\\"f\"}'", "c}d", "c")]
    [InlineData("ovf:type='string' ovf:qualifiers='ValueMap{\"a b\",\"e\\\"f\"}'", "e\"f", "e")]
    [InlineData("ovf:type='uint16' ovf:qualifiers='MinValue(1) MaxValue(4094)'", "4094", "0")]
    [InlineData("ovf:type='sint8' ovf:qualifiers='MaxValue(-3)'", "-3", "-2")]
    [InlineData("ovf:type='real64' ovf:qualifiers='MinValue(0.5) MaxValue(1.5)'", "1.25", "0.4")]
    [InlineData("ovf:type='string' vmw:qualifiers='Ip'", "192.0.2.7", "192.0.2")]
    [InlineData("ovf:type='string' vmw:qualifiers='Ip(\"Management\")'", "2001:db8::7", "[2001:db8::7]")]
    [InlineData("ovf:type='string' ovf:qualifiers='MaxLen(40)' vmw:qualifiers='IpList'", "192.0.2.1, 2001:db8::1", "192.0.2.1, none")]
    [InlineData("ovf:type='ip'", "10.0.0.1", "10.0.0.256")]
    [InlineData("ovf:type='ip:Management'", "10.0.0.1", "host.example")]
    [InlineData("ovf:type='int(1..9)'", "9", "10")]
    [InlineData("ovf:type='real(..2.5)'", "-1", "2.6")]
    [InlineData("ovf:type='string(1..3)'", "abc", "")]
    [InlineData("ovf:type='string[\"x\",\"y\"]'", "y", "z")]
    [InlineData("ovf:type='int'", "-7", "7.5")]
    public void Qualifiers_narrow_a_type(string attributes, string good, string bad)
    {
        PropertyCheck.Check(Property(attributes), good).ShouldBeNull();
        PropertyCheck.Check(Property(attributes), bad)!.ShouldSatisfyAllConditions(e => e.Field.ShouldBe("properties.p"), e => e.Remedy.ShouldNotBeEmpty());
    }

    [Fact]
    public void VMware_s_password_type_is_a_secret() => Property("ovf:type='password'").Password.ShouldBeTrue();

    [Fact]
    public void A_remedy_names_the_range() => PropertyCheck.Check(Property("ovf:type='uint16' ovf:qualifiers='MinValue(1) MaxValue(4094)'"), "5000")!.Remedy.ShouldBe("Give a whole number from 1 to 4094.");
}
