"""Views of snapshots, findings, plans and runs as cells and sentences, for the screen and the command line."""
