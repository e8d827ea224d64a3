"""Chains over CometBFT RPC, against nodes that answer well and badly."""
