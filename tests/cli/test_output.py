from scenelet.cli.output import table


def test_nothing_of_a_table_is_cut_away_in_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    row = [f"22.22% (9.00% to 45.0{number}%)" for number in range(6)]
    table([f"a long heading {number}" for number in range(6)], [row])
    said = capsys.readouterr().out
    assert all(cell in said for cell in row)
    assert "…" not in said
    assert len(said.splitlines()) == 3
