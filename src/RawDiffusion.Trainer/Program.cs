using RawDiffusion.Trainer;
using RawDiffusion.Trainer.Terminal;

return Failures.Guard(() => CommandLine.Run(args));
