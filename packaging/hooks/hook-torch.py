"""What of PyTorch goes into the bundle: its CPU libraries and the modules that are imported.

It takes the place of the hook that PyInstaller's community keeps, which takes everything: tests,
headers, command-line tools, and every module a second time as source, for `torch.jit`.
"""

from pathlib import Path

from PyInstaller.utils.hooks import PY_DYLIB_PATTERNS, collect_dynamic_libs, get_package_paths

#: Modules that read their own source when they are imported: those of settings, and those whose
#: functions have several signatures.
_WITH_SOURCE = (
    *("torch.functional", "torch.nn.functional", "torch.nn.modules.rnn"),
    *("torch._export.config", "torch._functorch.config", "torch.compiler.config"),
    *("torch.distributed.config", "torch.fx.experimental._config"),
    *("torch.utils.serialization.config", "torch._inductor.config", "torch._dynamo.config"),
)
module_collection_mode = {"torch": "pyz"} | dict.fromkeys(_WITH_SOURCE, "pyz+py")
warn_on_missing_hiddenimports = False
binaries = collect_dynamic_libs("torch", search_patterns=[*PY_DYLIB_PATTERNS, "*.so.*"])
# torch will not be imported where this one is missing, though nothing here starts it.
_helper = Path(get_package_paths("torch")[1], "bin", "torch_shm_manager")
if _helper.exists():
    binaries.append((str(_helper), "torch/bin"))
# Links from the top of the bundle confuse torch about where its libraries are.
bindepend_symlink_suppression = ["**/torch/lib/*.so*"]
