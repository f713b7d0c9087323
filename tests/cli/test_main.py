"""The command line as a whole: its help, and what people type."""


def test_help_begins_with_four_ways_and_groups_the_commands(scenelet):
    told = scenelet("--help").out
    order = ("scenelet start photos", "Begin here", "Look", "Train", "Judge", "Use", "Deploy")
    places = [told.index(words) for words in order]
    assert places == sorted(places)


def test_what_people_type_for_a_command_of_data_is_that_command(scenelet, tmp_path):
    done = scenelet("paint", tmp_path / "painted", "--per-class", "2")
    assert done.code == 0, done.err
    for name in ("audit", "split", "get", "paint"):
        assert scenelet(name, "--help").code == 0
