"""Who answers a task: rules from routing.yaml, candidates in order, and the first that can be had."""
