"""A slow, plain second implementation of the definitions, used only to check the first.

Written from the text of the definitions alone (sections 1 to 5),
with the standard library only. It must never import the product.
"""
