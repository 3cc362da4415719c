using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Writes a model in the hub's layout.</summary>
public static class HubExport
{
    /// <summary>Writes the folder.</summary>
    /// <exception cref="ConfigurationException">The folder holds a model already.</exception>
    /// <exception cref="StorageException">The files cannot be written.</exception>
    public static void Write(LoadedModel loaded, string folder)
    {
        var network = loaded.Model.Network.Config;
        var scheduler = NetworkMapping.ToHub(loaded.Description.Diffusion, loaded.Description.Sampling);
        HubFolder.Write(folder, NetworkMapping.ToHub(network), loaded.Description.LearnedVariance ? scheduler with { VarianceType = "learned_range" } : scheduler,
            [.. ParameterFiles.Sources(loaded.Parameters, loaded.Parameters.Values)]);
    }
}
