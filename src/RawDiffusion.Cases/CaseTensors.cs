using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>The tensors of one run of a case on one device.</summary>
public sealed class CaseTensors : IDisposable
{
    private readonly OpCase _case;
    private readonly Dictionary<string, GuardedTensor> _guarded = [];
    private readonly List<CaseResult> _reported = [];

    /// <summary>Uploads a case's tensors.</summary>
    public CaseTensors(OpCase opCase, Device device)
    {
        _case = opCase;
        foreach (var (name, shape, role, values, type) in opCase.Tensors)
        {
            var guarded = new GuardedTensor(device, name, shape, type);
            _guarded.Add(name, guarded);
            guarded.Content.RequiresGradient = role == Role.Differentiable;
            if (role != Role.Output)
            {
                guarded.Content.Upload(values);
            }
        }
    }

    /// <summary>The tensor of a name.</summary>
    public Tensor this[string name] => _guarded[name].Content;

    /// <summary>What the case noted by <see cref="Report"/>.</summary>
    public IReadOnlyList<CaseResult> Reported => _reported;

    /// <summary>The tensor of a name, or null if the case has none: for optional inputs.</summary>
    public Tensor? Find(string name) => _guarded.GetValueOrDefault(name)?.Content;

    /// <summary>Notes the content of a tensor that a tape made, as it is now, for comparison.</summary>
    public void Report(string name, Tensor tensor) => _reported.Add(new CaseResult(name, tensor.Shape, tensor.ToArray<double>()));

    /// <summary>Notes the content of every state and output.</summary>
    public void ReportWritten()
    {
        foreach (var tensor in _case.Tensors.Where(t => t.Role is Role.State or Role.Output))
        {
            Report(tensor.Name, this[tensor.Name]);
        }
    }

    /// <summary>Fails if an input changed or something was written outside of a tensor.</summary>
    /// <exception cref="ConformanceException">Which tensor, and how.</exception>
    public void CheckUntouched()
    {
        foreach (var (name, _, role, values, _) in _case.Tensors)
        {
            if (_guarded[name].Damage() is { } damage)
            {
                throw new ConformanceException($"{_case} on {this[name].Device.Description}: {damage}");
            }
            if (role is Role.Differentiable or Role.Constant && !this[name].ToArray<double>().SequenceEqual(values))
            {
                throw new ConformanceException($"{_case} on {this[name].Device.Description}: the input {this[name]} was changed");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var guarded in _guarded.Values)
        {
            guarded.Dispose();
        }
    }
}
