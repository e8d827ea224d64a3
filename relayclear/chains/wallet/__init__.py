"""Keys that spend: from a mnemonic to a secret, from a draft to signed bytes.

Only `bootstrap` may import this, so that nothing else in the house can sign.
"""
