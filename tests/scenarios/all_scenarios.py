"""All scenarios, grouped by deployment, so that a target changes its deployment seldom."""

from tests.scenarios.scenes import authentication, bodies, ids, life, migration, routing, stored_values, versions

_SCENES = (routing, authentication, ids, bodies, life, stored_values, migration, versions)

SCENARIOS = sorted(
    (scenario for scene in _SCENES for scenario in scene.SCENARIOS),
    key=lambda each: (each.deployment.version, each.deployment.keys) if each.deployment else ("", ()),
)

assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)

DEPLOYMENTS = list(dict.fromkeys(scenario.deployment for scenario in SCENARIOS if scenario.deployment))
