import inspect

import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from diffusers.utils.torch_utils import randn_tensor


class ClassConditionalPipeline(DiffusionPipeline):
    """Draws images of given classes, with classifier-free guidance where the model has learned a row for no class."""

    def __init__(self, unet, scheduler, no_class=None, no_class_trained=True, guidance=1.0, steps=50, eta=0.0):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
        self.register_to_config(no_class=no_class, no_class_trained=no_class_trained, guidance=guidance, steps=steps, eta=eta)

    @torch.no_grad()
    def __call__(self, class_labels, generator=None, latents=None, guidance=None, num_inference_steps=None, eta=None, output_type="pil", return_dict=True):
        guidance = self.config.guidance if guidance is None else guidance
        if guidance != 1 and (self.config.no_class is None or not self.config.no_class_trained):
            raise ValueError("This model has learned no row for no class: guidance must be 1.")
        labels = torch.as_tensor(class_labels, device=self.device)
        size = self.unet.config.sample_size
        height, width = (size, size) if isinstance(size, int) else size
        shape = (len(labels), self.unet.config.in_channels, height, width)
        x = randn_tensor(shape, generator=generator, device=self.device, dtype=self.unet.dtype) if latents is None else latents.to(self.device)
        # What is asked of a scheduler that knows of it: the noise left in, and an epsilon that agrees with the clipped image.
        options = {"eta": self.config.eta if eta is None else eta, "use_clipped_model_output": True, "generator": generator}
        known = inspect.signature(self.scheduler.step).parameters
        options = {name: value for name, value in options.items() if name in known}
        self.scheduler.set_timesteps(num_inference_steps or self.config.steps)
        for t in self.progress_bar(self.scheduler.timesteps):
            output = self.unet(x, t, class_labels=labels).sample
            if guidance != 1:
                without = self.unet(x, t, class_labels=torch.full_like(labels, self.config.no_class)).sample
                output = without + guidance * (output - without)
            x = self.scheduler.step(output, t, x, **options).prev_sample
        images = (x / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        images = self.numpy_to_pil(images) if output_type == "pil" else images
        return ImagePipelineOutput(images=images) if return_dict else (images,)
