"""Train quantised policies with Stable-Baselines3 and Brevitas, and turn them into policy packages."""
import logging
import warnings

# What these libraries remark about themselves, on import or first use, tells a user nothing.
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message="Named tensors and all their associated APIs", category=UserWarning)
