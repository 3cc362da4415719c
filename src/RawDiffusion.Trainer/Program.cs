using RawDiffusion.Trainer;
using RawDiffusion.Trainer.Terminal;

StandardStream.Install();
return Failures.Guard(() => CommandLine.Run(args));
