namespace RawDiffusion.Core;

/// <summary>
/// Runs ops and, when recording, remembers how to run them backwards: a manual autograd tape. Each op is a method of this class,
/// in its own file under <c>Ops/</c>, with its backward right below its forward.
/// <para>
/// The tape owns every tensor its ops make: the step lifetime. A recording tape frees them during <see cref="Backward"/>, each as soon as
/// no earlier op can need it; a tape that does not record frees them at the end of the <see cref="Scope"/> they were made in, or by
/// <see cref="Release"/>. What is left goes when the tape is disposed.
/// </para>
/// </summary>
public sealed partial class Tape : IDisposable
{
    private readonly List<Tensor> _made = [];
    private readonly List<Node> _nodes = [];
    private readonly HashSet<Tensor> _kept = [];
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
    /// Runs everything recorded backwards from a scalar: brings ∂loss/∂p into the gradient of every parameter it depends on,
    /// adding where <see cref="Tensor.HasGradient"/> is set. Activations are freed on the way; the loss itself is kept until the tape goes.
    /// </summary>
    /// <param name="loss">A tensor of one element that this tape made.</param>
    /// <exception cref="InvalidOperationException">The tape does not record, ran backward before, or the loss is not its own scalar.</exception>
    public void Backward(Tensor loss)
    {
        if (!Recording)
        {
            throw new InvalidOperationException($"Backward from {loss}: this tape does not record. Create it with recording: true.");
        }
        if (_ranBackward is not null)
        {
            throw new InvalidOperationException($"Backward from {loss}: this tape already ran backward from {_ranBackward}, which freed what it had recorded. Record the step anew on a new tape.");
        }
        if (loss.Shape.Count != 1 || !_nodes.Exists(n => n.Output == loss))
        {
            throw new InvalidOperationException($"Backward from {loss}: expected a tensor of one element that was made on this tape from something that requires a gradient.");
        }
        _ranBackward = loss.ToString();
        Keep(loss);
        GradientOf(loss, out _).Upload([1f]);
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            var node = _nodes[i];
            if (node.Output.Gradient is { } gradient && node.Output.HasGradient)
            {
                node.Backward(gradient);
            }
            // Ops recorded earlier can only have read tensors made earlier: nobody needs this output or its gradient any more.
            FreeGradient(node.Output);
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

    /// <summary>Keeps a tensor's content until the tape is disposed, through <see cref="Backward"/> and past the end of scopes.</summary>
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
        foreach (var node in _nodes)
        {
            FreeGradient(node.Output);
        }
        foreach (var tensor in _made)
        {
            FreeGradient(tensor);
            tensor.Free("the end of its tape");
        }
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
    private Tensor Make(string op, Shape shape, DType? type = null)
    {
        var tensor = new Tensor(Device, shape, type, op);
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

    /// <summary>The tensor that takes ∂loss/∂<paramref name="tensor"/>, and whether to add to it or to overwrite it.</summary>
    private Tensor GradientOf(Tensor tensor, out bool accumulate)
    {
        tensor.Gradient ??= new Tensor(Device, tensor.Shape, null, "∂" + tensor.Name);
        accumulate = tensor.HasGradient;
        tensor.HasGradient = true;
        return tensor.Gradient;
    }

    /// <summary>
    /// The tensors that take the gradients of several inputs which one call of the contract computes, with one flag for all: if only some
    /// hold a sum yet, the others start from zero. An input that requires no gradient gets a tensor that the tape throws away.
    /// </summary>
    private Tensor?[] GradientsOf(out bool accumulate, params ReadOnlySpan<Tensor?> inputs)
    {
        var gradients = new Tensor?[inputs.Length];
        var fresh = new List<Tensor>();
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] is { } input)
            {
                bool holdsSum = false;
                var gradient = input.RequiresGradient ? GradientOf(input, out holdsSum) : Make("unused ∂" + input.Name, input.Shape);
                gradients[i] = gradient;
                if (!holdsSum)
                {
                    fresh.Add(gradient);
                }
            }
        }
        accumulate = fresh.Count < gradients.Count(g => g is not null);
        if (accumulate)
        {
            fresh.ForEach(g => g.Clear());
        }
        return gradients;
    }

    /// <summary>
    /// Brings ∂loss/∂<paramref name="output"/> to an input that was added to the output unchanged. As the last act of a backward it may take
    /// the output's buffer over instead of copying it.
    /// </summary>
    private void PassGradient(Tensor output, Tensor input)
    {
        if (input.Gradient is null && !_kept.Contains(output))
        {
            (input.Gradient, input.HasGradient) = (output.Gradient, true);
            (output.Gradient, output.HasGradient) = (null, false);
            return;
        }
        var target = GradientOf(input, out bool accumulate);
        Device.LinearCombination(1, output.Gradient!, accumulate ? 1 : 0, accumulate ? target : null, target);
    }

    private static void FreeGradient(Tensor tensor)
    {
        tensor.Gradient?.Free("Backward");
        tensor.Gradient = null;
        tensor.HasGradient = false;
    }

    /// <summary>Checks that an op's inputs are alive, here, and of real numbers.</summary>
    private void Check(string op, params ReadOnlySpan<Tensor?> inputs)
    {
        foreach (var input in inputs)
        {
            Check(op, input, Device.Real);
        }
    }

    private void Check(string op, Tensor? input, DType type)
    {
        if (_ranBackward is not null)
        {
            throw new InvalidOperationException($"{op}: this tape already ran backward from {_ranBackward}. Record the next step on a new tape.");
        }
        if (input is { IsDisposed: true })
        {
            throw input.Disposed(op);
        }
        if (input is not null && input.Device != Device)
        {
            throw new ArgumentException($"{op}: {input} lives on {input.Device.Description}, but the tape runs on {Device.Description}. Upload it there first.");
        }
        if (input is not null && input.DType != type)
        {
            throw new ArgumentException($"{op}: {input} was given where elements of {type} are expected. Upload the numbers to a tensor of that type.");
        }
    }

    private static void Expect(bool condition, string op, string expected, params ReadOnlySpan<Tensor?> found)
    {
        if (!condition)
        {
            throw new ArgumentException($"{op}: expected {expected}; found {string.Join(", ", found.ToArray().Where(t => t is not null))}");
        }
    }

    private static void ExpectShape(string op, string what, Tensor? tensor, Shape shape)
    {
        if (tensor is not null && tensor.Shape != shape)
        {
            throw new ArgumentException($"{op}: {what} should be {shape}, but {tensor} was given");
        }
    }
}

/// <summary>A part of a computation whose intermediate tensors go when it ends: see <see cref="Tape.Scope"/>.</summary>
public sealed class TapeScope : IDisposable
{
    private readonly Tape _tape;
    private readonly int _start;
    private Tensor? _kept;

    internal TapeScope(Tape tape, int start) => (_tape, _start) = (tape, start);

    /// <summary>Lets the scope's one result live on in the scope around it.</summary>
    /// <exception cref="InvalidOperationException">Another tensor is kept already.</exception>
    public Tensor Keep(Tensor result)
    {
        if (_kept is not null && _kept != result)
        {
            throw new InvalidOperationException($"a scope keeps one tensor, and {_kept} is kept already; {result} needs a scope of its own, or Tape.Keep");
        }
        return _kept = result;
    }

    /// <summary>Ends the scope.</summary>
    public void Dispose() => _tape.EndScope(_start, _kept);
}
