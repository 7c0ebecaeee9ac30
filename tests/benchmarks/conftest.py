"""The benchmark's modules run in processes of their own, some with frameworks that the tests do not install."""

collect_ignore_glob = ["[!t]*.py", "turns.py", "contenders/*", "workloads/*"]
