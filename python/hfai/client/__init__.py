"""What training code may ask the platform that runs it.

    import hfai.client

    stage = hfai.client.get_whole_life_state()

The same code runs in three situations: in a task of the platform, simulated (`hai-cli python train.py ++`), and
elsewhere, on any machine without the platform. There they say "not in cluster" once and give what a first run would get.
"""

from hfai.client._life_state import get_whole_life_state

__all__ = ["get_whole_life_state"]
