namespace RawDiffusion.Core;

/// <summary>
/// Runs ops and, when recording, remembers how to run them backwards: a manual autograd tape. Each op is a method of this class,
/// in its own file under <c>Ops/</c>, with its backward right below its forward.
/// <para>
/// The tape owns every tensor its ops make: the step lifetime. A recording tape frees them during <see cref="Backward"/>, each as soon as
/// no earlier op can need it; a tape that does not record frees them at the end of the <see cref="Scope"/> they were made in, or by
/// <see cref="Release"/>. What is left goes when the tape is disposed.
/// </para>
/// <para>
/// Gradients are the tape's, too: an activation's is freed as soon as no earlier op can need it, an input's is there until the tape is
/// disposed (<see cref="Gradient"/>). Only those of parameters outlive it: see <see cref="Tensor.BindGradient"/>.
/// </para>
/// </summary>
public sealed partial class Tape : IDisposable
{
    private readonly List<Tensor> _made = [];
    private readonly List<Node> _nodes = [];
    private readonly HashSet<Tensor> _kept = [];
    private readonly Dictionary<Tensor, Tensor> _gradients = [];
    private string? _ranBackward;

    /// <summary>A tape on a device.</summary>
    /// <param name="device">Where the ops run.</param>
    /// <param name="recording">Whether <see cref="Backward"/> will be called: training. Otherwise inference.</param>
    public Tape(Device device, bool recording)
    {
        Device = device;
        Recording = recording;
    }

    /// <summary>Where the ops run.</summary>
    public Device Device { get; }

    /// <summary>Whether ops are remembered for <see cref="Backward"/>.</summary>
    public bool Recording { get; }

    private readonly record struct Node(string Op, Tensor Output, Tensor[] Saved, Action<Tensor> Backward);

    /// <summary>
    /// Runs everything recorded backwards from an output y: brings Σ cotangent·∂y/∂x to every x that it depends on and that requires a
    /// gradient, to <see cref="Tensor.BoundGradient"/> where there is one and else to <see cref="Gradient"/>. Activations are freed on the
    /// way; the output itself is kept until the tape goes.
    /// </summary>
    /// <param name="output">A tensor that this tape made from something that requires a gradient.</param>
    /// <param name="cotangent">∂loss/∂output, like the output, of real numbers; stays as it is. 1 if null, for an output of one element: the loss itself.</param>
    /// <exception cref="InvalidOperationException">The tape does not record, ran backward before, or did not make the output; or there is no cotangent for an
    /// output of several elements.</exception>
    /// <exception cref="ArgumentException">The cotangent is of another shape, device or type.</exception>
    public void Backward(Tensor output, Tensor? cotangent = null)
    {
        if (!Recording)
        {
            throw new InvalidOperationException($"Backward from {output}: this tape does not record. Create it with recording: true.");
        }
        if (_ranBackward is not null)
        {
            throw new InvalidOperationException($"Backward from {output}: this tape already ran backward from {_ranBackward}, which freed what it had recorded. Record " +
                "the step anew on a new tape.");
        }
        if (!_nodes.Exists(n => n.Output == output))
        {
            throw new InvalidOperationException($"Backward from {output}: expected a tensor that was made on this tape from something that requires a gradient.");
        }
        if (cotangent is null && output.Shape.Count != 1)
        {
            throw new InvalidOperationException($"Backward from {output}: expected a tensor of one element, or a cotangent. Give ∂loss/∂output, of the output's shape.");
        }
        Device.Check("Backward", "the cotangent", cotangent, output.Shape);
        _ranBackward = output.ToString();
        Keep(output);
        var start = SinkOf(output).Tensor!;
        if (cotangent is null)
        {
            start.Upload([1f]);
        }
        else
        {
            start.CopyFrom(cotangent);
        }
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            var node = _nodes[i];
            if (_gradients.TryGetValue(node.Output, out var gradient))
            {
                node.Backward(gradient);
            }
            // Ops recorded earlier can only have read tensors made earlier: nobody needs this output or its gradient any more.
            if (node.Output == output || !_kept.Contains(node.Output))
            {
                FreeGradient(node.Output);
            }
            string by = $"Backward (after {node.Op})";
            foreach (var saved in node.Saved)
            {
                saved.Free(by);
            }
            if (!_kept.Contains(node.Output))
            {
                node.Output.Free(by);
            }
        }
        _nodes.Clear();
    }

    /// <summary>
    /// The gradient that <see cref="Backward"/> brought to a tensor, Σ cotangent·∂output/∂x. It belongs to the tape, and goes with it.
    /// </summary>
    /// <param name="x">An input that requires a gradient, or an activation that was kept before the backward pass.</param>
    /// <returns>Like x.</returns>
    /// <exception cref="InvalidOperationException">There is none: the message says why.</exception>
    public Tensor Gradient(Tensor x)
    {
        if (_gradients.TryGetValue(x, out var gradient))
        {
            return gradient;
        }
        string why = x.BoundGradient is not null ? "it adds up beyond this tape: read BoundGradient.Sum"
            : _ranBackward is null ? "this tape has not run backward: do that first"
            : !x.RequiresGradient ? "nobody asked for it: set RequiresGradient before the tensor is used"
            : _made.Contains(x) ? "an activation's is freed as soon as nothing needs it: Keep the activation before Backward"
            : $"no gradient came to it, for {_ranBackward} does not depend on it, or the tape is disposed";
        throw new InvalidOperationException($"This tape holds no gradient of {x}: {why}.");
    }

    /// <summary>Keeps a tensor's content, and its gradient if it gets one, until the tape is disposed: through <see cref="Backward"/> and past the end of scopes.</summary>
    public Tensor Keep(Tensor tensor)
    {
        _kept.Add(tensor);
        return tensor;
    }

    /// <summary>Says that the caller needs this tensor no more: without recording it is freed at once; else backward frees it.</summary>
    public void Release(Tensor tensor)
    {
        if (!Recording && !_kept.Contains(tensor))
        {
            tensor.Free("Release");
        }
    }

    /// <summary>Hands a tensor that an op made over to the caller, who disposes it.</summary>
    /// <exception cref="InvalidOperationException">The tape records: backward must be able to free what it made.</exception>
    public Tensor Detach(Tensor tensor)
    {
        if (Recording || !_made.Remove(tensor))
        {
            throw new InvalidOperationException($"Detach: {tensor} belongs to a recording tape or was not made by this one");
        }
        return tensor;
    }

    /// <summary>Opens a scope: without recording, what ops make until its end is freed there, but for what <see cref="TapeScope.Keep"/> saves.</summary>
    public TapeScope Scope() => new(this, _made.Count);

    /// <summary>Frees whatever the tape still owns.</summary>
    public void Dispose()
    {
        const string by = "the end of its tape";
        foreach (var gradient in _gradients.Values)
        {
            gradient.Free(by);
        }
        foreach (var tensor in _made)
        {
            tensor.Free(by);
        }
        _gradients.Clear();
        _nodes.Clear();
        _made.Clear();
    }

    internal void EndScope(int start, Tensor? kept)
    {
        if (Recording)
        {
            return;
        }
        for (int i = start; i < _made.Count; i++)
        {
            if (_made[i] != kept && !_kept.Contains(_made[i]))
            {
                _made[i].Free("the end of its scope");
            }
        }
        int survivors = start;
        for (int i = start; i < _made.Count; i++)
        {
            if (!_made[i].IsDisposed)
            {
                _made[survivors++] = _made[i];
            }
        }
        _made.RemoveRange(survivors, _made.Count - survivors);
    }

    /// <summary>A tensor for an op's output, owned by the tape.</summary>
    /// <exception cref="InvalidOperationException">The tape ran backward before.</exception>
    private Tensor Make(string op, Shape shape)
    {
        if (_ranBackward is not null)
        {
            throw new InvalidOperationException($"{op}: this tape already ran backward from {_ranBackward}. Record the next step on a new tape.");
        }
        var tensor = new Tensor(Device, shape, null, op);
        _made.Add(tensor);
        return tensor;
    }

    /// <summary>
    /// Remembers how to go back from <paramref name="output"/>, if recording and if an input requires a gradient. <paramref name="backward"/>
    /// gets ∂loss/∂output; <paramref name="saved"/> are tensors, made for this op alone, that only its backward needs.
    /// </summary>
    private Tensor Record(string op, Tensor output, ReadOnlySpan<Tensor?> inputs, Tensor[] saved, Action<Tensor> backward)
    {
        bool requires = false;
        foreach (var input in inputs)
        {
            requires |= input is { RequiresGradient: true };
        }
        output.RequiresGradient = Recording && requires;
        if (output.RequiresGradient)
        {
            _nodes.Add(new Node(op, output, saved, backward));
        }
        else
        {
            foreach (var tensor in saved)
            {
                tensor.Free(op);
            }
        }
        return output;
    }

    /// <summary>Where ∂loss/∂<paramref name="tensor"/> goes: nowhere if there is no such tensor, or if it requires no gradient.</summary>
    private Sink SinkOf(Tensor? tensor)
    {
        if (tensor is not { RequiresGradient: true })
        {
            return Sink.None;
        }
        if (tensor.BoundGradient is { } bound)
        {
            return bound.Take();
        }
        return _gradients.TryGetValue(tensor, out var gradient)
            ? Sink.Onto(gradient)
            : Sink.Into(_gradients[tensor] = new Tensor(Device, tensor.Shape, null, "∂" + tensor.Name));
    }

    /// <summary>
    /// Brings ∂loss/∂<paramref name="output"/> to an input that was added to the output unchanged. As the last act of a backward it may take
    /// the output's buffer over instead of copying it.
    /// </summary>
    private void PassGradient(Tensor output, Tensor? input)
    {
        if (input is not { RequiresGradient: true })
        {
            return;
        }
        if (input.BoundGradient is null && !_gradients.ContainsKey(input) && !_kept.Contains(output))
        {
            _gradients.Remove(output, out var handedOver);
            _gradients[input] = handedOver!;
            return;
        }
        AddScaled(_gradients[output], 1, input);
    }

    private void FreeGradient(Tensor tensor)
    {
        if (_gradients.Remove(tensor, out var gradient))
        {
            gradient.Free("Backward");
        }
    }
}
