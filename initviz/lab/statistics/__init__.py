"""Statistics of many layers that neither underflow nor overflow.

Three ways to the same numbers:

* `HostStatistics` on the CPU: one layer at a time, by NumPy on the tensors' own memory;
* `CompiledStatistics`, the same in C, where that was compiled: a third of the time;
* `DeviceStatistics` on a GPU: all layers of one shape at once.

The values of a layer are a matrix: (samples, units), or (fan_out, fan_in) for weights. They may
lie in memory in any order. On the CPU only `dependence` needs a matrix: what is pooled over all
values may have any shape.
"""
