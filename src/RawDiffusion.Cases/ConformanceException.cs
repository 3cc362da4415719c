namespace RawDiffusion.Cases;

/// <summary>A device that does not do what its contract says.</summary>
/// <param name="message">Device, case, tensor, element, what was found and what was expected.</param>
public sealed class ConformanceException(string message) : Exception(message);
