"""Numbers and names as a planner reads them, in Chinese and English; exact values go beside, never instead."""

from __future__ import annotations

from math import isfinite

TERMS: dict[str, tuple[str, str]] = {
    "energy": ("电量电费", "energy"),
    "demand_charge": ("需量电费", "demand charge"),
    "direct_supply": ("绿电直供", "direct green supply"),
    "certificates": ("绿证", "green certificates"),
    "green_shortfall": ("绿电缺额", "green shortfall"),
    "carbon": ("碳成本", "carbon"),
    "start_ups": ("机组启动", "pod start-ups"),
    "lit_vacancy": ("空置机柜上架", "vacant racks lit"),
    "transfer": ("数据传输", "data transfer"),
    "lateness": ("延迟", "lateness"),
    "unfinished_work": ("未完成作业", "unfinished work"),
    "dropped_jobs": ("放弃的训练任务", "dropped jobs"),
    "lost_service": ("未满足服务", "lost service"),
    "agreements": ("合作协议", "agreements"),
    "administration": ("转移支付管理", "administration of transfers"),
    "non_delivery": ("违约赔偿", "non-delivery"),
    "new_pods": ("新建机组", "new pods"),
    "new_plants": ("新建风光电站", "new wind and solar plants"),
    "new_wavelengths": ("新建波长", "new wavelengths"),
    "wavelengths": ("点亮波长", "wavelengths"),
    "capital": ("资本年金", "capital"),
    "peak_shaving_income": ("削峰收入", "peak-shaving income"),
    "storage_wear": ("储能损耗", "wear of batteries"),
    "innovation_value": ("创新价值", "innovation value"),
    "fee": ("服务费", "fee"),
    "compensation": ("利益补偿", "compensation"),
    "returned tax": ("返还税收", "returned tax"),
    "hub": ("枢纽", "hub"),
    "contracted supply": ("合同", "contracted"),
    "new supply": ("新建", "new"),
    "wind": ("风电", "wind"),
    "solar": ("光伏", "solar"),
    "pods": ("机组", "pods"),
    "plant": ("电站", "plant"),
    "fixed position": ("固定", "fixed"),
    "take-or-pay position": ("照付不议", "take-or-pay"),
    "call position": ("看涨期权", "call"),
    "control": ("实时控制", "control"),
    "interactive": ("实时交互", "interactive"),
    "online": ("在线推理", "online inference"),
    "nearline": ("近线处理", "near-line"),
    "offline": ("离线分析", "offline analytics"),
    "rendering": ("渲染", "rendering"),
    "finetuning": ("微调", "fine-tuning"),
    "backup": ("备份", "backup"),
    "training jobs": ("训练任务", "training jobs"),
    "official": ("官方", "official"),
    "reported": ("报道", "reported"),
    "estimated": ("估计", "estimated"),
    "scenario": ("情景设定", "scenario"),
    "east": ("东部", "east"),
    "central": ("中部", "central"),
    "west": ("西部", "west"),
}
_SCALES = ((1e6, "billion CNY"), (1e3, "million CNY"), (1.0, "thousand CNY"))


def chinese(key: str) -> str:
    """The Chinese term for a key of a table; empty if there is none."""
    return TERMS.get(key, ("", ""))[0]


def english(key: str) -> str:
    """The English term for a key; a key of the user's own is read as it stands, its underscores as spaces."""
    return TERMS[key][1] if key in TERMS else key.replace("_", " ")


def bilingual(key: str) -> str:
    """'中文 english' of a key."""
    return f"{chinese(key)} {english(key)}".strip()


def exact(value: float) -> str:
    """Full precision: reading it back gives the same number."""
    return repr(float(value))


def number(value: float | None, decimals: int = 1) -> str:
    """1,234.5 or −0.5; a dash if not known. What is not zero is never shown as zero."""
    if value is None or not isfinite(value):
        return "–"
    # Adding zero turns a negative zero into zero.
    shown = f"{value + 0.0:,.{decimals}f}"
    if value and not float(shown.replace(",", "")):
        shown = f"{value:.2g}"
    return shown.replace("-", "−")


def percent(frac: float | None, decimals: int = 1) -> str:
    """A fraction as a percentage that never rounds up to 100 % nor down to 0 %."""
    if frac is None or not isfinite(frac):
        return "–"
    step = 10.0**-decimals
    if 1 - step / 200 <= frac < 1 - 1e-9:
        return f"> {100 - step:.{decimals}f} %"
    if 1e-9 < frac < step / 200:
        return f"< {step:.{decimals}f} %"
    return f"{100 * (frac + 0.0):.{decimals}f} %"


def money(kcny: float | None) -> str:
    """kCNY in the largest unit that keeps it at one or more: 12.87 million CNY."""
    if kcny is None or not isfinite(kcny):
        return "–"
    for size, unit in _SCALES:
        if abs(kcny) >= size:
            return f"{kcny / size:,.2f} {unit}"
    return f"{1e3 * kcny:,.2f} CNY"
