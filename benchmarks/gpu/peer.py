"""Times PyTorch on the network of unet_torch.py, which the folder PEER holds, in turn with another program: run.sh starts it.

  PEER=FOLDER python3 peer.py --device cuda --preset cifar10 --batch 128

Reads lines, each a kind of PyTorch and what to time: "compiled-bf16 train", a training step (q_sample, forward, MSE, backward, clipping at 1, Adam,
EMA 0.9999), or "eager-fp32 256", a step of DDIM for 256 images. Answers each with a line, the median in milliseconds, or with "failed: " and why.
What a kind needs is made and compiled when it is first asked for, and stays: the first answers are not to be counted.
"""
import argparse, os, statistics, sys, time

# Whatever PyTorch or a compiler prints must not be taken for an answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
sys.path.insert(0, os.environ["PEER"])

import torch
import torch.nn.functional as F
from unet_torch import PRESETS, build

KINDS = {
    "eager-fp32": dict(tf32=False, bf16=False, channels_last=False, compiled=False),
    "eager-tf32": dict(tf32=True, bf16=False, channels_last=True, compiled=False),
    "eager-bf16": dict(tf32=True, bf16=True, channels_last=True, compiled=False),
    "compiled-bf16": dict(tf32=True, bf16=True, channels_last=True, compiled=True),
}
WARM_UP, TRAINING_STEPS, SAMPLING_LOOPS, STEPS_OF_LOOP = 3, 7, 3, 10


class Kind:
    def __init__(self, options, tf32, bf16, channels_last, compiled):
        torch.manual_seed(0)
        self.device, self.batch, self.tf32, self.bf16 = options.device, options.batch, tf32, bf16
        self.layout = dict(memory_format=torch.channels_last) if channels_last else {}
        preset = PRESETS[options.preset]
        self.image = preset["channels"], preset["size"], preset["size"]
        self.network = build(options.preset).to(self.device, **self.layout)
        # A kernel for each batch: none that takes any size.
        self.call = torch.compile(self.network, mode="max-autotune", dynamic=False) if compiled else self.network
        self.parameters = list(self.network.parameters())
        self.ema = [p.detach().clone() for p in self.parameters]
        self.adam = torch.optim.Adam(self.parameters, lr=2e-4, fused=self.device != "cpu")
        self.alphas = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, device=self.device), 0)
        self.x0 = torch.rand(self.batch, *self.image, device=self.device).to(**self.layout) * 2 - 1

    def time(self, what):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.tf32
        if what == "train":
            return self.median(self.train, TRAINING_STEPS)
        z = torch.randn(int(what), *self.image, device=self.device).to(**self.layout)
        return self.median(lambda: self.sample(z), SAMPLING_LOOPS) / STEPS_OF_LOOP

    def median(self, work, rounds):
        times = []
        for _ in range(WARM_UP + rounds):
            self.synchronize()
            start = time.perf_counter()
            work()
            self.synchronize()
            times.append((time.perf_counter() - start) * 1e3)
        return statistics.median(times[WARM_UP:])

    def synchronize(self):
        if self.device != "cpu":
            torch.cuda.synchronize()

    def predict(self, x, t):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            return self.call(x, t).float()

    def train(self):
        t = torch.randint(0, 1000, (self.batch,), device=self.device)
        noise = torch.randn_like(self.x0)
        alpha = self.alphas[t][:, None, None, None]
        loss = F.mse_loss(self.predict(alpha.sqrt() * self.x0 + (1 - alpha).sqrt() * noise, t), noise)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()
        torch._foreach_lerp_(self.ema, [p.detach() for p in self.parameters], 1e-4)

    @torch.inference_mode()
    def sample(self, x):
        steps = torch.linspace(999, 0, STEPS_OF_LOOP + 1, device=self.device).long()
        for now, then in zip(steps[:-1], steps[1:]):
            noise = self.predict(x, now.expand(x.shape[0]))
            alpha, next_alpha = self.alphas[now], self.alphas[then]
            x = next_alpha.sqrt() * ((x - (1 - alpha).sqrt() * noise) / alpha.sqrt()) + (1 - next_alpha).sqrt() * noise
        return x


parser = argparse.ArgumentParser(description="Times PyTorch in turn with another program.")
parser.add_argument("--preset", choices=PRESETS, required=True)
parser.add_argument("--device", required=True)
parser.add_argument("--batch", type=int, required=True)
options = parser.parse_args()
torch.backends.cudnn.benchmark = True
made = {}
for line in sys.stdin:
    try:
        kind, what = line.split()
        if kind not in made:
            made[kind] = Kind(options, **KINDS[kind])
        answer = f"{made[kind].time(what):.6g}"
    except Exception as failure:
        answer = "failed: " + " ".join(f"{type(failure).__name__}: {failure}".split())[:400]
    print(answer, file=answers, flush=True)
