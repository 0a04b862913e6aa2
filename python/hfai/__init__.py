"""HAI Platform for training code. Everything is in `hfai.client`."""
