"""Help: what every panel, setting, scheme and word means, in one place that can be searched."""
