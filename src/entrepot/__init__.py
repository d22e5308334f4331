"""Entrepot: a hub between the places a merchant sells and the places that ship."""
