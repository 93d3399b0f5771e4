"""The auditor: all that is known to be wrong in the published tables is found, what holds passes, clean is clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.econometrics.audit import audit_tables, wrong
from optimizer.econometrics.errors import TablesError
from optimizer.econometrics.findings import Finding
from optimizer.econometrics.panel import check_panel
from optimizer.econometrics.printed import load_tables
from optimizer.econometrics.results import Settings
from optimizer.econometrics.studies import fit_checked, printed_toml
from optimizer.econometrics.synthetic import make_panel

QUICK = Settings(threshold_draws=19, candidates=100, wild_draws=99, mediation_draws=99, permutations=19)


@pytest.fixture(scope="module")
def published(reference: Path) -> list[Finding]:
    return audit_tables(reference / "seed_tables.toml")


KNOWN = {
    "threshold tables without year effects": ("nesting", "table5 AI", "impossible", "0.838 against 0.854"),
    "second threshold table": ("nesting", "table5 Va", "impossible", "0.835 against 0.854"),
    "third threshold table": ("nesting", "table5 Ind", "impossible", "0.837 against 0.854"),
    "threshold errors": ("one variance", "table5 AI", "unlikely", "0.0171 against 0.0487"),
    "mediation by Va": ("mediation identity", "table6 Va", "impossible", "= 0.0042; a b = 0.1607 x 0.0494 = 0.0079"),
    "mediation by Ind": ("mediation identity", "table6 Ind", "impossible", "= 0.0041; a b = 0.0368 x 0.3314 = 0.0122"),
    "Sobel Va": ("Sobel", "table6 Va", "unsupported", "p = 0.18"),
    "Sobel Ind": ("Sobel", "table6 Ind", "unsupported", "p = 0.106"),
    "Altonji": ("Altonji ratio", "table4", "impossible", "4.618 against 3.1357"),
    "rk F": ("rk F", "table4", "impossible", "= 211.1 against F = 332.769"),
    "IV error below OLS": ("one variance", "table4", "unlikely", "0.0473 against"),
    "data groups": ("group difference", "table7 high data endowment against low", "unsupported", "p = 0.69"),
    "infrastructure groups": ("group difference", "table7 high digital", "unsupported", "p = 0.459"),
    "east-west": ("group difference", "table7 east against west", "unsupported", "p = 0.017; over 5 comparisons 0.073"),
    "data split": ("whole cities", "table7 high data endowment", "impossible", "127.83"),
    "infrastructure split": ("whole cities", "table7 low digital infrastructure", "impossible", "165.17"),
}


@pytest.mark.parametrize("name", list(KNOWN))
def test_known_fault_is_found_with_its_arithmetic(published: list[Finding], name: str) -> None:
    rule, where, verdict, arithmetic = KNOWN[name]
    found = [f for f in published if f.rule == rule and f.where.startswith(where)]
    assert found
    assert all(f.verdict == verdict for f in found)
    assert any(arithmetic in f.arithmetic for f in found), [f.arithmetic for f in found]


def test_what_holds_passes(published: list[Finding]) -> None:
    holding = [f for f in published if f.holds]
    for arithmetic in ("3252 = 271 x 12", "2439 = 271 x 9", "3204 = 267 x 12", "1200 + 1200 + 852 = 3252",
                       "1534 + 1718 = 3252", "1270 + 1982 = 3252"):  # fmt: skip
        assert any(arithmetic in f.arithmetic for f in holding), arithmetic
    for rule in ("moments", "nested R2", "rk LM", "Stock-Yogo", "threshold shape"):
        assert all(f.holds for f in published if f.rule == rule)
    assert not any(f.holds for f in wrong(published))
    assert str(wrong(published)[0]).startswith("[impossible] table5 AI: R2 is below")


@pytest.mark.parametrize("design", ["published", "plain", "regional", "threshold", "endogenous"])
def test_our_own_tables_are_clean(design: str, tmp_path: Path) -> None:
    panel = check_panel(make_panel(17, design).frame, "synthetic.csv")
    path = tmp_path / "tables.toml"
    path.write_text(printed_toml(fit_checked(panel, QUICK).results))
    findings = audit_tables(path)
    assert [str(f) for f in wrong(findings)] == []
    assert len(findings) > 40  # clean because checked, not because empty


CLEAN = """
[meta]
treatment = "AI"
cities = 20
years = [2011, 2014]
[[table2]]
AI = { b = 0.300, t = 6.00 }
n = 80
r2 = 0.500
[[table2]]
AI = { b = 0.200, t = 5.00 }
Eco = { b = 0.1, t = 2.0 }
n = 80
r2 = 0.550
"""


def _findings(text: str, tmp_path: Path) -> list[Finding]:
    path = tmp_path / "t.toml"
    path.write_text(CLEAN + text)
    return audit_tables(path)


@pytest.mark.parametrize(
    ("text", "rule", "verdict"),
    [
        ("[table1]\nAI = [80, 5.0, 4.0, 1.0, 6.0]", "moments", "impossible"),
        ("[table1]\nAI = [80, 5.0, 1.0, 1.0, 9.0]", "moments", "holds"),
        ("[[table3]]\nname='odd'\nAI={b=0.2,t=3.0}\nn=79", "sample size", "unlikely"),
        ("[[table3]]\nname='even'\nAI={b=0.2,t=3.0}\nn=60", "sample size", "holds"),
        ("[table4]\nselection_ratio = 2.00", "Altonji ratio", "holds"),
        ("[table4]\nselection_ratio = 2.40", "Altonji ratio", "impossible"),
        ("[table4]\nfirst_stage={IV={b=1.0,t=5.0}}\nkp_rk_wald_f=25.1", "rk F", "holds"),
        ("[table4]\nfirst_stage={IV={b=1.0,t=5.0}}\nkp_rk_wald_f=30.1", "rk F", "impossible"),
        ("[table4]\nfirst_stage={IV={b=1.0,t=5.0}}\nkp_rk_lm={stat=5.00,p=0.0253}", "rk LM", "holds"),
        ("[table4]\nfirst_stage={IV={b=1.0,t=5.0}}\nkp_rk_lm={stat=5.00,p=0.0353}", "rk LM", "impossible"),
        ("[table4]\nfirst_stage={IV={b=1.0,t=5.0}}\nstock_yogo_10=16.38", "Stock-Yogo", "holds"),
        ("[table4]\nfirst_stage={IV={b=1.0,t=5.0}}\nstock_yogo_10=8.96", "Stock-Yogo", "impossible"),
        ("[table4]\nsecond_stage={AI={b=0.40,t=8.0}}", "one variance", "holds"),
        ("[table4]\nsecond_stage={AI={b=0.40,t=12.0}}", "one variance", "unlikely"),
        ("[table6]\ntotal={AI={b=0.200,t=5.0}}\n[table6.Va]\na={b=0.50,t=9.0}\nb={b=0.10,t=9.0}\n"
         "direct={b=0.150,t=4.0}\n", "mediation identity", "holds"),
        ("[table6]\ntotal={AI={b=0.200,t=5.0}}\n[table6.Va]\na={b=0.50,t=9.0}\nb={b=0.10,t=9.0}\n"
         "direct={b=0.170,t=4.0}\n", "mediation identity", "impossible"),
        ("[[table5]]\nthreshold_variable='AI'\nthresholds=[2.0,1.0]\nslopes=[{b=0.2,t=5.0},{b=0.3,t=5.0}]",
         "threshold shape", "impossible"),
        ("[[table5]]\nthreshold_variable='AI'\nthresholds=[2.0]\nslopes=[{b=0.2,t=5.0},{b=0.3,t=5.0}]\nn=80\nr2=0.560",
         "nesting", "holds"),
    ],
)  # fmt: skip
def test_each_rule_both_ways(text: str, rule: str, verdict: str, tmp_path: Path) -> None:
    found = [f for f in _findings(text, tmp_path) if f.rule == rule and not f.where.startswith("table2")]
    assert [f.verdict for f in found] == [verdict]


def test_rounding_is_allowed_for(tmp_path: Path) -> None:
    """R2 printed .55 can be .5549; a threshold R2 of .5450 does not contradict it at that precision."""
    text = CLEAN.replace("r2 = 0.550", "r2 = 0.55")
    path = tmp_path / "t.toml"
    tail = "[[table5]]\nthreshold_variable='AI'\nthresholds=[2.0]\nslopes=[{b=0.2,t=5.0},{b=0.3,t=5.0}]\nn=80\nr2=%s"
    path.write_text(text + tail % "0.5451")
    assert all(f.holds for f in audit_tables(path) if f.rule == "nesting")
    path.write_text(text + tail % "0.5449")
    assert not all(f.holds for f in audit_tables(path) if f.rule == "nesting")


def test_a_printed_test_of_a_difference_is_checked_not_repeated(tmp_path: Path) -> None:
    groups = (
        "[[table7]]\ngroup='high x'\nAI={b=0.30,t=3.0}\nn=40\n[[table7]]\ngroup='low x'\nAI={b=0.25,t=2.5}\nn=40\n"
        "[[table7_differences]]\nfirst='high x'\nsecond='low x'\np=%s"
    )
    # error sqrt(.1^2 + .1^2) = .1414, z = .354, p = .724
    assert [f.verdict for f in _findings(groups % "0.724", tmp_path) if f.rule == "group difference"] == ["holds"]
    assert [f.verdict for f in _findings(groups % "0.030", tmp_path) if f.rule == "group difference"] == ["impossible"]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("x = [", "is not TOML"),
        ("[table1]\nAI=[1]", r"has no \[meta\]"),
        (CLEAN + "[table9]\na=1", r"\[table9\]: is not a known section"),
        (CLEAN + "[[table3]]\nn=80", r"\[\[table3\]\] 1: has no AI"),
        (CLEAN.replace("t = 6.00", "t = 0"), "one that is zero"),
        (CLEAN.replace("b = 0.300", "b = 0.000"), "enough digits to tell b from zero"),
        (CLEAN.replace("b = 0.300", "b = nan"), "coefficient without b"),
        (CLEAN.replace("cities = 20", "cities = 'x'"), "cities = x; a whole number"),
        (CLEAN.replace("r2 = 0.550", "r2 = 'high'"), r"\[\[table2\]\] 2: r2 is 'high'; r2 is a finite number"),
        (CLEAN.replace("r2 = 0.550", "r2 = nan"), "r2 is NaN"),
        (CLEAN.replace("n = 80", "n = true"), "n is True; n is a whole number above zero"),
        ("table2 = [1, 2]\n" + CLEAN.split("[[table2]]")[0], "it is a list of columns"),
        (CLEAN + "[table1]\nAI=[80, 5.0]", "five numbers"),
        (CLEAN + "[table1]\nAI=[1, 5.0, 1.0, 1.0, 9.0]", "n above one"),
        (CLEAN + "[[table1]]\nAI=3", "is a single table"),
        (CLEAN + "[table4]\nkp_rk_lm = 3", "kp_rk_lm is 3"),
        (CLEAN + "[table4]\nselection_ratio = 'x'", "selection_ratio is 'x'"),
        (CLEAN + "[table4]\nfirst_stage = 3", "first_stage is 3; first_stage is a table"),
        (CLEAN + "[[table5]]\nthresholds=1\nslopes=[]", "thresholds is 1"),
        (CLEAN + "[[table5]]\nthresholds=[1.0]\nslopes=[1.0]", "slopes is"),
        (CLEAN + "[table6]\nVa = 1", "Va: is 1; a mediator has"),
        (CLEAN + "[table6.Va]\na={b=0.5,t=9.0}\nb={b=0.1,t=9.0}\ndirect={AI=1}", "has no coefficient direct"),
        (CLEAN + "[[table7]]\ngroup='east'\nAI=3\nn=40", r"\[\[table7\]\] 1: AI is 3"),
        (CLEAN + "[[table7_differences]]\nfirst='east'", "has no second, p"),
        (CLEAN.replace("[2011, 2014]", "2011"), "first and last year"),
    ],
)
def test_unreadable_tables(text: str, pattern: str, tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(text)
    with pytest.raises(TablesError, match=pattern):
        load_tables(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TablesError, match="cannot be opened"):
        load_tables(tmp_path / "absent.toml")
