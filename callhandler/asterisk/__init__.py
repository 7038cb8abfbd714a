"""The only code that knows Asterisk: AMI, FastAGI, what their words mean, the sounds it plays, and a private one of our own."""
