"""A Ray cluster of two nodes with one CPU each, in a process of its own: Ray forks, which a test's process must not.

Prints the cluster's address, that of its client server and the second node's id as JSON; then ends the second node
when it reads a line, and everything when its input ends.
"""
import json
import sys

from ray.cluster_utils import Cluster

_NODE = {"object_store_memory": 100 * 2 ** 20, "num_cpus": 1, "include_dashboard": False}

if __name__ == "__main__":
    cluster = Cluster(initialize_head=True, head_node_args={**_NODE, "ray_client_server_port": int(sys.argv[1])})
    second = cluster.add_node(**_NODE)
    cluster.wait_for_nodes()
    print(json.dumps({"address": cluster.address, "client": f"ray://127.0.0.1:{sys.argv[1]}",
                      "second": second.node_id}), flush=True)
    for _ in sys.stdin:
        cluster.remove_node(second, allow_graceful=False)
    cluster.shutdown()
