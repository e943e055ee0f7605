from ipaddress import ip_network

from zhanggui.api.connections import Connections, is_among


class Client:
    def __init__(self) -> None:
        self.given_up = 0

    def give_up(self) -> None:
        self.given_up += 1


def test_an_address_is_crowded_from_the_connection_above_its_share() -> None:
    connections = Connections(most=100, most_per_address=2)
    assert [connections.enter("192.0.2.1") for _ in range(3)] == [False, False, True]
    assert connections.enter("192.0.2.2") is False, "another address has a share of its own"


def test_a_closed_connection_makes_room() -> None:
    connections = Connections(most=100, most_per_address=1)
    connections.enter("192.0.2.1")
    connections.leave("192.0.2.1")
    assert connections.enter("192.0.2.1") is False


def test_a_proxy_may_open_as_many_as_it_needs() -> None:
    connections = Connections(most=100, most_per_address=1, proxies=[ip_network("10.0.0.0/8")])
    assert [connections.enter("10.1.2.3") for _ in range(3)] == [False] * 3
    assert [connections.enter("11.1.2.3") for _ in range(2)] == [False, True]


def test_when_all_are_taken_the_one_that_has_waited_longest_has_to_go() -> None:
    connections, clients = Connections(most=2, most_per_address=9), [Client() for _ in range(3)]
    for client in clients[:2]:
        connections.enter("192.0.2.1")
        connections.waits(client)
    assert [client.given_up for client in clients] == [0, 0, 0]
    connections.waits(clients[0])  # it has had an answer, and waits anew
    connections.enter("192.0.2.1")
    assert [client.given_up for client in clients] == [0, 1, 0]


def test_a_connection_that_is_being_answered_is_not_closed_for_another() -> None:
    connections, client = Connections(most=1, most_per_address=9), Client()
    connections.enter("192.0.2.1")
    connections.waits(client)
    connections.waits_no_more(client)
    connections.enter("192.0.2.2")
    assert client.given_up == 0


def test_what_is_no_address_is_in_no_network() -> None:
    assert is_among("10.0.0.1", [ip_network("10.0.0.0/8")])
    assert not is_among("11.0.0.1", [ip_network("10.0.0.0/8")])
    assert not is_among("", [ip_network("0.0.0.0/0")])
