"""Scripts that release a balancer's VIPs, by the down file that keepalived's check follows, and claim them again.

A removed address silently kills its connections, because nothing can be sent from it any more. A planned release
therefore ends them first. New connections are delayed: their first packet is dropped, and clients send it again a
second later, to the next owner. Open requests may finish: a connection is reset once it is idle after the server's last
packet, which makes its client reconnect at once.
"""

from __future__ import annotations

from haconsole.scripts import load_script

HOLD_DOWN = load_script("vip-hold-down")
TAKE_AWAY = load_script("vip-remove-down-file")
STAND_AGAIN = load_script("vip-resume")
STANDS_AGAIN = load_script("vip-check-resumed")
ELSEWHERE = load_script("vip-check-elsewhere")
IN_STATE = load_script("vip-check-state")
LEAVE = load_script("vip-leave")
GIVE_UP = load_script("vip-give-up")
HAND_OVER = load_script("vip-hand-over")
MAKE_WAY = load_script("vip-yield")
PAUSE = load_script("vip-pause")
GO_ON = load_script("vip-end-pause")
