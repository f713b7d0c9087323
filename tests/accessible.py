"""What axe-core finds on a page."""


def serious_faults(page, axe):
    """Serious and critical findings, each with some of the elements it is about."""
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then((done) => done.violations)")
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    return [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in serious]
