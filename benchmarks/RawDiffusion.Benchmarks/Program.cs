using BenchmarkDotNet.Running;

// `dotnet run -c Release --project benchmarks/RawDiffusion.Benchmarks -- --filter '*GroupNorm*mnist*'`
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
