"""Hold the outputs fixed, change the metric: experiment, outputs, metric, curve, figure or claim."""

__version__ = "0.5.0"
