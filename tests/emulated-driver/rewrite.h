#pragma once
#include <string>

// Rewrites preprocessed kernel text for g++:
//   extern "C" __global__ void k(…)    a plain function, listed at the end with its parameters' sizes
//   __launch_bounds__(256)             goes into that list
//   __shared__ float a[4], b;          references into the block's shared memory
//   extern __shared__ float s[];       a pointer to the start of it
// `error` says what could not be understood.
std::string rewriteKernels(const std::string& text, std::string& error);
