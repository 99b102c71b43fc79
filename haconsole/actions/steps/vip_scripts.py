"""Scripts that have a balancer give its VIPs up, by the down file that keepalived's check heeds, and stand again.

An address that goes takes the connections to it along without a word, for nothing can be sent from it any more. So
whoever gives a VIP up on purpose ends them before. New ones are held off: their first packet is dropped, and clients
send it again a second later, to the next owner. What is under way may end: a connection is reset once it rests after
the server's last word, which tells its client at once to make another.
"""

from __future__ import annotations

from haconsole.scripts import load_script

HOLD_DOWN = load_script("vip-hold-down")
TAKE_AWAY = load_script("vip-remove-down-file")
STAND_AGAIN = load_script("vip-stand-again")
STANDS_AGAIN = load_script("vip-check-stands-again")
ELSEWHERE = load_script("vip-check-elsewhere")
IN_STATE = load_script("vip-check-state")
LEAVE = load_script("vip-leave")
GIVE_UP = load_script("vip-give-up")
HAND_OVER = load_script("vip-hand-over")
MAKE_WAY = load_script("vip-yield")
PAUSE = load_script("vip-pause")
GO_ON = load_script("vip-end-pause")
