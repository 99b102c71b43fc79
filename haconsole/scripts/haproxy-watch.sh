#!/bin/sh
# Stays, sends commands to haproxy's stats socket each second, and prints the answer as a section of query-host's script.
# usage: haproxy-watch SOCKET COMMANDS SECONDS MARK SECTION TURNS PYTHON PERL
# prints: the answer when the state of a server changed, else every TURNS seconds; MARK and SECTION are those of its frame
# Each query has a connection of its own, because a reloaded haproxy leaves open ones with its old process.
# fails: 69 the host has no program that can stay; with another status when haproxy gave no answer within SECONDS
if command -v perl >/dev/null; then program=perl option=-e text=$8
elif command -v python3 >/dev/null; then program=python3 option=-c text=$7
else return 69; fi
"$program" "$option" "$text" "$1" "$3" "$2" "$4" "$5" "$6" 2>/dev/null
