"""Jinpai 金牌: who sells, who helps and who answers late in a shop's customer service."""
