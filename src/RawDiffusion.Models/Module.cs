using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>A part of a network: it declares parameters under diffusers' names, and other modules within it.</summary>
public abstract class Module
{
    private readonly List<Parameter> _parameters = [];

    /// <summary>Every parameter of this module and of those within, in the order of their declaration.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Declares a parameter of this module.</summary>
    protected Parameter Declare(string name, Shape shape, Initialization initialization)
    {
        var parameter = new Parameter(name, shape, initialization);
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Declares a module within this one.</summary>
    protected T Declare<T>(T module) where T : Module
    {
        _parameters.AddRange(module.Parameters);
        return module;
    }
}
