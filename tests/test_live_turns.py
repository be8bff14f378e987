"""TurnTable: who answers a conversation."""

from __future__ import annotations

from gateway.live_turns import TurnTable


class Turn:
    is_live = True


def test_a_turn_is_found_while_it_is_live() -> None:
    table: TurnTable[Turn] = TurnTable()
    first, second = Turn(), Turn()
    assert table.live("ann", "c") == []
    table.add("ann", "c", first)
    assert table.live("ann", "c") == [first]
    assert table.live("bob", "c") == table.live("ann", "d") == []
    table.add("ann", "c", second)
    assert set(table.live("ann", "c")) == {first, second}
    first.is_live = False
    assert table.live("ann", "c") == [second]
    table.remove("ann", "c", first)
    assert table.live("ann", "c") == [second]
    table.remove("ann", "c", second)
    assert table.live("ann", "c") == []
