"""The embedded ZooKeeper, which runs from Druid's jars."""

from include.stack.settings import HOST, Settings

MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
JVM_OPTIONS = ("-Xms48m", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def configuration(settings: Settings) -> dict[str, str]:
    """Return `zoo.cfg` of a single server on loopback, without the admin web server."""
    return {
        "dataDir": str(settings.home / "zookeeper"),
        "clientPort": str(settings.ports["zookeeper"]),
        "clientPortAddress": HOST,
        "admin.enableServer": "false",
        "tickTime": "2000",
        "maxClientCnxns": "0",
        "autopurge.purgeInterval": "1",
    }
