// placeholder until the frame lands
