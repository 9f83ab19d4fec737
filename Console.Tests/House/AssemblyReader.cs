using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Quarterdeck.Tests.House;

/// <summary>Reads every use of a type out of a compiled assembly: signatures, attributes, method bodies, native imports.</summary>
internal sealed class AssemblyReader
{
    private readonly MetadataReader _reader;
    private readonly PEReader _file;
    private readonly TypeNames _names;
    private readonly HashSet<Reference> _found = [];
    private readonly List<NativeImport> _imports = [];

    private AssemblyReader(PEReader file) => (_file, _reader, _names) = (file, file.GetMetadataReader(), new TypeNames(file.GetMetadataReader()));

    /// <summary>Reads the assembly in <paramref name="path"/>.</summary>
    public static AssemblyUses Read(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = new AssemblyReader(file);
        reader.ReadAll();
        return new AssemblyUses([.. reader._found], reader._imports);
    }

    private void ReadAll()
    {
        foreach (var handle in _reader.TypeDefinitions)
        {
            var type = _reader.GetTypeDefinition(handle);
            var from = _names.Of(handle).Name;
            Add(from, type.BaseType);
            foreach (var implemented in type.GetInterfaceImplementations()) Add(from, _reader.GetInterfaceImplementation(implemented).Interface);
            AddGenerics(from, type.GetGenericParameters());
            AddAttributes(from, type.GetCustomAttributes());
            foreach (var field in type.GetFields().Select(_reader.GetFieldDefinition))
            {
                AddAll(from, field.DecodeSignature(_names, null));
                AddAttributes(from, field.GetCustomAttributes());
            }
            foreach (var property in type.GetProperties().Select(_reader.GetPropertyDefinition)) AddAttributes(from, property.GetCustomAttributes());
            foreach (var method in type.GetMethods().Select(_reader.GetMethodDefinition)) ReadMethod(from, method);
        }
    }

    private void ReadMethod(string from, MethodDefinition method)
    {
        var signature = method.DecodeSignature(_names, null);
        AddAll(from, signature.ReturnType);
        foreach (var parameter in signature.ParameterTypes) AddAll(from, parameter);
        AddGenerics(from, method.GetGenericParameters());
        AddAttributes(from, method.GetCustomAttributes());
        if (method.GetImport() is { Module.IsNil: false } import)
            _imports.Add(new NativeImport(from, _reader.GetString(_reader.GetModuleReference(import.Module).Name), _reader.GetString(import.Name)));
        if (method.RelativeVirtualAddress == 0) return;

        var body = _file.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
            foreach (var local in _reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_names, null)) AddAll(from, local);
        foreach (var region in body.ExceptionRegions) Add(from, region.CatchType);
        foreach (var token in IlTokens.In(body.GetILReader())) AddToken(from, MetadataTokens.EntityHandle(token));
    }

    private void AddToken(string from, EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.MethodSpecification:
                var specification = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                foreach (var argument in specification.DecodeSignature(_names, null)) AddAll(from, argument);
                AddToken(from, specification.Method);
                break;
            case HandleKind.MemberReference:
                var member = _reader.GetMemberReference((MemberReferenceHandle)handle);
                Add(from, member.Parent, _reader.GetString(member.Name));
                if (member.GetKind() == MemberReferenceKind.Field) { AddAll(from, member.DecodeFieldSignature(_names, null)); break; }
                var signature = member.DecodeMethodSignature(_names, null);
                AddAll(from, signature.ReturnType);
                foreach (var parameter in signature.ParameterTypes) AddAll(from, parameter);
                break;
            case HandleKind.MethodDefinition:
                var method = _reader.GetMethodDefinition((MethodDefinitionHandle)handle);
                Add(from, method.GetDeclaringType(), _reader.GetString(method.Name));
                break;
            case HandleKind.FieldDefinition:
                Add(from, _reader.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            default:
                Add(from, handle);
                break;
        }
    }

    private void AddGenerics(string from, GenericParameterHandleCollection parameters)
    {
        foreach (var parameter in parameters.Select(_reader.GetGenericParameter))
            foreach (var constraint in parameter.GetConstraints()) Add(from, _reader.GetGenericParameterConstraint(constraint).Type);
    }

    private void AddAttributes(string from, CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes) AddToken(from, _reader.GetCustomAttribute(attribute).Constructor);
    }

    private void Add(string from, EntityHandle type, string? member = null)
    {
        if (type.IsNil) return;
        switch (type.Kind)
        {
            case HandleKind.TypeDefinition: Add(from, _names.Of((TypeDefinitionHandle)type), member); break;
            case HandleKind.TypeReference: Add(from, _names.Of((TypeReferenceHandle)type), member); break;
            case HandleKind.TypeSpecification:
                var parts = _reader.GetTypeSpecification((TypeSpecificationHandle)type).DecodeSignature(_names, null);
                for (var i = 0; i < parts.Length; i++) Add(from, parts[i], i == 0 ? member : null);   // the member belongs to the generic type, its arguments are only named
                break;
        }
    }

    private void AddAll(string from, IEnumerable<TypeName> names)
    {
        foreach (var name in names) Add(from, name, null);
    }

    private void Add(string from, TypeName to, string? member)
    {
        if (to.Name != from) _found.Add(new Reference(from, to.Name, to.Assembly, member));
    }
}
