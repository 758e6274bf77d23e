"""How fast are training and the simulator, and what holds them back?"""
