"""A page about a training run, written anew while it goes on."""

from ssrl_train.page.page import PageCallback, write_page

__all__ = ["PageCallback", "write_page"]
