"""Every kind of fault in the tables is found, and its message says where, what, rule and mend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubs import DATA, Fault, InputError, load_facts

if TYPE_CHECKING:
    from tests.hubs.conftest import Tables

GUIAN_PUE = {"cluster": "Guian", "quantity": "pue_ratio"}


def test_a_message_is_one_sentence_with_place_value_rule_and_mend() -> None:
    fault = Fault("hubs/data/clusters.csv", 17, "pue_ratio", "pue_ratio of 'Guian' is 0.92", "pue >= 1", "correct it")
    assert str(fault) == "hubs/data/clusters.csv row 17: pue_ratio of 'Guian' is 0.92; pue >= 1. Mend: correct it."
    assert str(InputError([fault])) == f"1 fault in the input:\n  {fault}"
    assert str(InputError([fault, fault])).startswith("2 faults in the input:\n")


def test_bound(tables: Tables) -> None:
    line = tables.change("cluster_facts.csv", GUIAN_PUE, value="0.92", low="0.92", high="0.92")
    messages = [str(fault).removeprefix(f"{tables.folder}/") for fault in tables.faults()]
    assert messages[0] == (
        f"cluster_facts.csv row {line}: pue_ratio of 'Guian' is 0.92; a facility cannot draw less than its servers "
        "(pue >= 1), nor five times as much. Mend: correct the number or its unit."
    )
    assert [m.split(";")[0].split(": ")[1] for m in messages[1:]] == [
        "low of pue_ratio of 'Guian' is 0.92",
        "high of pue_ratio of 'Guian' is 0.92",
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1_2", "1,2", "eins", "0x1p3", "\u0661"])
def test_no_number(tables: Tables, text: str) -> None:
    line = tables.change("cluster_facts.csv", GUIAN_PUE, value=text)
    assert tables.only_fault() == (
        f"cluster_facts.csv row {line}: pue_ratio of 'Guian' is '{text}'; a number must be plain and finite. "
        "Mend: write a decimal number such as 0.92."
    )


@pytest.mark.parametrize("column", ["value", "status", "source", "unit", "date", "cluster", "quantity"])
def test_blank(tables: Tables, column: str) -> None:
    line = tables.change("cluster_facts.csv", GUIAN_PUE, **{column: " "})
    messages = [str(fault) for fault in tables.faults()]
    assert messages[-1].endswith(
        f"row {line}: {column} is blank; only ranges, notes and addresses may be left out. "
        f"Mend: fill in {column} or remove the row."
    )
    # the row does not count, so its quantity is missing: said as well, and nothing else
    assert [m for m in messages if "is missing" not in m] == messages[-1:]


@pytest.mark.parametrize(
    ("column", "text", "mend"),
    [
        ("cluster", "guian", "write 'Guian' if that is meant, else remove it"),
        ("quantity", "pue_ration", "write 'pue_ratio' if that is meant, else remove it"),
    ],
)
def test_unknown_key(tables: Tables, column: str, text: str, mend: str) -> None:
    line = tables.change("cluster_facts.csv", GUIAN_PUE, **{column: text})
    missing, unknown = (str(fault) for fault in tables.faults())
    assert "pue_ratio of 'Guian' is missing; every quantity must be given. Mend: add its row, in ratio." in missing
    assert unknown.endswith(
        f"row {line}: {column} '{text}' is not known; {column} must be one that is defined. Mend: {mend}."
    )


@pytest.mark.parametrize(
    ("column", "text", "mend"),
    [
        ("source", "GZTMP", "write 'GZTEMP' if that is meant, else remove it"),
        ("status", "guessed", "use one of estimated, official, reported"),
    ],
)
def test_unknown_source_or_status(tables: Tables, column: str, text: str, mend: str) -> None:
    line = tables.change("cluster_facts.csv", GUIAN_PUE, **{column: text})
    assert tables.only_fault() == (
        f"cluster_facts.csv row {line}: {column} '{text}' is not known; {column} must be one that is defined. "
        f"Mend: {mend}."
    )


def test_doubled_quantity(tables: Tables) -> None:
    line = tables.add("cluster_facts.csv", GUIAN_PUE, value="1.3")
    first = next(n for n, row in enumerate(tables.read("cluster_facts.csv")[1], 2) if GUIAN_PUE.items() <= row.items())
    assert tables.only_fault() == (
        f"cluster_facts.csv row {line}: pue_ratio of 'Guian' stands here and in row {first}; a quantity is given once. "
        "Mend: remove one of the two rows."
    )


def test_missing_quantity_missing_entity_and_optional_quantity(tables: Tables) -> None:
    tables.drop("cluster_facts.csv", cluster="Horinger", quantity="green_actual_frac")
    assert load_facts(tables.folder).clusters["green_actual_frac"].isna()["Horinger"]
    tables.drop("region_facts.csv", region="Tibet")
    tables.drop("prices.csv", quantity="carbon_kcny_per_tco2")
    region, price = (str(fault) for fault in tables.faults())
    assert region.endswith(
        "region_facts.csv: 'Tibet' has no rows; every one must have its facts. "
        "Mend: add its rows, or remove it from the table that names it."
    )
    assert price.endswith(
        "carbon_kcny_per_tco2 is missing; every quantity must be given. Mend: add its row, in kCNY/tCO2."
    )


def test_unit_and_number_are_both_judged(tables: Tables) -> None:
    tables.change("cluster_facts.csv", GUIAN_PUE, unit="MWh", value="x")
    assert [fault.column for fault in tables.faults()] == ["unit", "value"]


@pytest.mark.parametrize(
    ("unit", "said"),
    [("MWh", "'MWh' cannot be converted to 'ratio'"), ("pue", "'pue' is not a known unit"),
     ("frac", "'frac' cannot be converted to 'ratio'"), ("2 *", "'2 *' is not a known unit")],
)  # fmt: skip
def test_wrong_unit(tables: Tables, unit: str, said: str) -> None:
    line = tables.change("cluster_facts.csv", GUIAN_PUE, unit=unit)
    assert tables.only_fault() == (
        f"cluster_facts.csv row {line}: the unit of pue_ratio of 'Guian' is '{unit}': {said}; pue_ratio is measured in "
        "ratio. Mend: state a unit that converts to ratio."
    )


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"low": ""}, "has only one end of its range; a range has a low and a high end. Mend: give both or neither."),
        ({"low": "1.5", "high": "1.6"},
         "is 1.2, its range 1.5 to 1.6; a value lies inside its own range. Mend: correct the value or the range."),
        ({"low": "", "high": "", "status": "estimated"},
         "is estimated and has no range; an estimate states its plausible range. Mend: give low and high."),
    ],
)  # fmt: skip
def test_range(tables: Tables, cells: dict[str, str], said: str) -> None:
    line = tables.change("cluster_facts.csv", GUIAN_PUE, **cells)
    assert tables.only_fault() == f"cluster_facts.csv row {line}: pue_ratio of 'Guian' {said}"


def test_shares_that_do_not_sum_to_one(tables: Tables) -> None:
    tables.change("fleet.csv", {"cluster": "Wuhu", "generation": "a"}, value="0.46")
    tables.change("region_facts.csv", {"region": "Guangdong", "quantity": "demand_share_frac"}, value="0.21")
    demand, fleet = (str(fault) for fault in tables.faults())
    rule = "shares of one whole sum to 1. Mend: correct the shares."
    assert demand.endswith(f"region_facts.csv: demand_share_frac sums to 1.01; {rule}")
    assert fleet.endswith(f"fleet.csv: share_frac of 'Wuhu' sums to 1.01; {rule}")


def test_columns(tables: Tables) -> None:
    header, rows = tables.read("hubs.csv")
    renamed = [{{"name_zh": "namezh"}.get(column, column): cell for column, cell in row.items()} for row in rows]
    tables.write("hubs.csv", ["hub", "namezh", *header[2:]], renamed)
    path = tables.folder / "prices.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("note", "date", 1), encoding="utf-8")
    messages = "\n".join(str(fault) for fault in tables.faults())
    assert "hubs.csv row 1: column 'namezh' is not known" in messages
    assert "Mend: write 'name_zh' if that is meant, else remove it." in messages
    assert "hubs.csv row 1: column 'name_zh' is missing; every column must be there. Mend: add it." in messages
    assert "prices.csv row 1: column 'date' stands 2 times; a column stands once. Mend: remove the doubled" in messages
    assert "prices.csv row 1: column 'note' is missing" in messages
    assert "cluster_facts" not in messages  # what cannot be judged without hubs.csv is not blamed


def test_files(tables: Tables) -> None:
    (tables.folder / "pods.csv").unlink()
    (tables.folder / "network.csv").write_text("", encoding="utf-8")
    (tables.folder / "prices.csv").write_bytes("name,中卫".encode("gb18030"))
    header, _ = tables.read("national.csv")
    tables.write("national.csv", header, [])
    messages = [str(fault).removeprefix(f"{tables.folder}/") for fault in tables.faults()]
    assert "pods.csv: the file is missing; every table must be there. Mend: restore it." in messages
    assert any(m.startswith("network.csv: the file is empty; the first line names the columns") for m in messages)
    assert any(m.startswith("prices.csv: the file cannot be read") and "UTF-8" in m for m in messages)
    assert "national.csv: the table holds no rows; every quantity must be given. Mend: fill it." in messages
    assert len(messages) == 4


def test_cells_and_quoted_line_breaks(tables: Tables) -> None:
    path = tables.folder / "hubs.csv"
    text = path.read_text(encoding="utf-8").replace("京津冀枢纽", '"京津冀\n枢纽"', 1)
    path.write_text(text + "Extra,额外,east\n", encoding="utf-8")
    line = len(text.splitlines()) + 1
    assert tables.only_fault() == (
        f"hubs.csv row {line}: 3 cells stand where the header names 6; a row has one cell per column. "
        "Mend: put cells that hold a comma in double quotes."
    )


def test_identities(tables: Tables) -> None:
    doubled = tables.add("hubs.csv", {"hub": "Gansu"})
    lost = tables.change("clusters.csv", {"cluster": "Guian"}, hub="Guizou")
    same = tables.change("clusters.csv", {"cluster": "Chongqing Cluster"}, cluster="Chongqing")
    messages = "\n".join(str(fault) for fault in tables.faults())
    assert f"hubs.csv row {doubled}: hub 'Gansu' stands here and in row 8; a name stands once" in messages
    assert f"clusters.csv row {lost}: hub 'Guizou' is not known" in messages
    assert "Mend: write 'Guizhou' if" in messages
    assert f"clusters.csv row {same}: cluster 'Chongqing' has the name of a region" in messages
    assert "Mend: call it 'Chongqing Cluster'." in messages


@pytest.mark.parametrize(
    ("cells", "found", "mend"),
    [
        ({"from": "Guian", "to": "Guian"}, "a link runs from 'Guian' to itself", "correct one end or remove the row"),
        ({"to": "core Xian"}, "to 'core Xian' is not known", "write 'core Xi'an' if that is meant, else remove it"),
        ({"capacity_gbps": "-1"}, "capacity_gbps of 'Guian'--'Qingyang' is -1", "correct the number"),
        ({"length_km": "800"}, "length_km of 'Guian'--'Qingyang' is 800, the great circle 1035.",
         "correct the length or the coordinates"),
        ({"kind": "home"}, "the home link 'Guian'--'Qingyang' joins a cluster and a cluster", "correct kind or ends"),
        ({"kind": "cable"}, "kind 'cable' is not known", "use one of core-cluster, core-core, home"),
        ({"from": "Guian", "to": "Guizhou"}, "the link 'Guian'--'Guizhou' stands here and in row 10",
         "remove one row and add the capacities"),
    ],
)  # fmt: skip
def test_links(tables: Tables, cells: dict[str, str], found: str, mend: str) -> None:
    line = tables.change("links.csv", {"from": "Qingyang", "to": "Guian"}, **cells)
    message = tables.only_fault()
    assert message.startswith(f"links.csv row {line}: {found}")
    assert f"Mend: {mend}" in message


def test_home_link_to_another_region(tables: Tables) -> None:
    line = tables.change("links.csv", {"from": "Guian", "to": "Guizhou"}, to="Yunnan", length_km="500")
    assert tables.only_fault() == (
        f"links.csv row {line}: the home link of 'Guian' ends in 'Yunnan'; a home link joins a cluster and its own "
        "region. Mend: let it end in 'Guizhou'."
    )


def test_isolated_sites(tables: Tables) -> None:
    header, rows = tables.read("links.csv")
    tables.write("links.csv", header, [row for row in rows if not {"Tibet", "Zhongwei"} & {row["from"], row["to"]}])
    messages = [str(fault) for fault in tables.faults()]
    assert len(messages) == 2
    for name, message in zip(("Tibet", "Zhongwei"), messages, strict=True):
        assert message.endswith(
            f"links.csv: '{name}' cannot be reached from the backbone; every site has a path to every other over cores "
            "and clusters. Mend: add a link to a core."
        )


def test_nodes(tables: Tables) -> None:
    tables.drop("nodes.csv", node="Tibet")
    far = tables.change("nodes.csv", {"node": "Guian"}, lat_deg="26.6")
    off = tables.change("nodes.csv", {"node": "core Wuhan"}, lon_deg="14.3")
    twice = tables.add("nodes.csv", {"node": "Wuhu"})
    messages = "\n".join(str(fault) for fault in tables.faults())
    assert "nodes.csv: region 'Tibet' has no node; every site stands in the network. Mend: add its row." in messages
    assert f"nodes.csv row {far}: lat_deg of 'Guian' is 26.6, cluster_facts.csv says 26.487" in messages
    assert f"nodes.csv row {off}: lon_deg of 'core Wuhan' is 14.3; China lies between 70 and 140 degrees" in messages
    assert f"nodes.csv row {twice}: node 'Wuhu' stands here and in row" in messages
    assert "links.csv" not in messages  # links are not blamed for nodes that could not be read


@pytest.mark.parametrize(
    ("column", "text", "found"),
    [
        ("hours", "9-9", "hours of 'Gansu' is '9-9' ('9-9' is no span of hours)"),
        ("hours", "17-25", "hours of 'Gansu' is '17-25' ('17-25' is no span of hours)"),
        ("hours", "22-6", "hours of 'Gansu' is '22-6' ('22-6' is no span of hours)"),
        ("hours", "9", "hours of 'Gansu' is '9' ('9' is no span of hours)"),
        ("hours", "9-11,10-12", "hours of 'Gansu' is '9-11,10-12' (spans overlap)"),
        ("hours", "9:30-11", "hours of 'Gansu' is '9:30-11' ('9:30-11' is no span of hours)"),
        ("hours", "1_0-12", "hours of 'Gansu' is '1_0-12' ('1_0-12' is no span of hours)"),
        ("months", "0-3", "months of 'Gansu' is '0-3' ('0-3' is no span of months)"),
        ("months", "summer", "months of 'Gansu' is 'summer'"),
        ("period", "shoulder", "period 'shoulder' is not known"),
    ],
)
def test_hour_and_month_spans(tables: Tables, column: str, text: str, found: str) -> None:
    line = tables.change("tariff_periods.csv", {"region": "Gansu", "period": "valley"}, **{column: text})
    assert tables.only_fault().startswith(f"tariff_periods.csv row {line}: {found}")


def test_overlapping_and_absent_periods(tables: Tables) -> None:
    tables.drop("tariff_periods.csv", region="Tibet")
    line = tables.change("tariff_periods.csv", {"region": "Gansu", "period": "valley"}, hours="8-17")
    absent, overlap = (str(fault) for fault in tables.faults())
    assert absent.endswith("region 'Tibet' has no rows; every region has at least one time-of-use period. "
                           "Mend: add its rows.")  # fmt: skip
    assert overlap.endswith(
        f"row {line}: hour 8 of month 1 in 'Gansu' is in rows {line - 1} and {line}; an hour belongs to one period. "
        "Mend: shorten one of the two."
    )


def test_values_that_contradict_one_another(tables: Tables) -> None:
    tables.change("emission_factors.csv", {"region": "Hebei", "year": "2023", "quantity": "residual_tco2_per_mwh"},
                  value="0.5", low="0.4")  # fmt: skip
    tables.change("pods.csv", {"generation": "a", "quantity": "idle_mw"}, value="1.1", high="1.2")
    messages = [str(fault) for fault in tables.faults()]
    assert "residual_tco2_per_mwh of 'Hebei 2023' is 0.5, its grid_tco2_per_mwh 0.6516; what is left" in messages[0]
    assert "peak_mw of 'a' is 1, its idle_mw 1.1; a busy pod draws at least what an idle one does" in messages[1]
    assert len(messages) == 2


def test_all_faults_of_all_files_come_at_once_in_the_order_of_files(tables: Tables) -> None:
    tables.change("cluster_facts.csv", GUIAN_PUE, value="0.2")
    tables.change("cluster_facts.csv", {"cluster": "Wuhu", "quantity": "occupancy_frac"}, value="x")
    tables.change("links.csv", {"from": "Qingyang", "to": "Guian"}, source="nobody")
    tables.change("hubs.csv", {"hub": "Gansu"}, zone="West")
    places = [(Path(fault.where).name, fault.column) for fault in tables.faults()]
    assert places == [("hubs.csv", "zone"), ("cluster_facts.csv", "value"), ("cluster_facts.csv", "pue_ratio"),
                      ("links.csv", "source")]  # fmt: skip


def test_a_new_generation_must_be_complete(tables: Tables) -> None:
    tables.add("pods.csv", {"generation": "b", "quantity": "pod_eflops"}, generation="c")
    messages = [str(fault) for fault in tables.faults()]
    assert sum("of 'c' is missing; every quantity must be given" in message for message in messages) == 6
    assert sum("fleet.csv: 'Guian c' has no rows" in message for message in messages) == 1


def test_shipped_tables_are_named_by_their_place_in_the_project() -> None:
    assert DATA.parent.name == "hubs"
    assert load_facts(DATA).clusters.shape[0] == 10
