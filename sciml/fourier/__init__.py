"""A form on Fourier modes: tori, boxes by reflection, the whole plane or space on a window."""
