"""The web app: `web.app.create_app` makes it, `jinpai serve` runs it. It computes nothing."""
