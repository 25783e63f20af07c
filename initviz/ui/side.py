"""The column at the right: the diagnosis, and the activation over what a layer gets."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from initviz.session.diagnoses import Diagnoses
from initviz.ui.activation_view import ActivationView
from initviz.ui.diagnosis_view import DiagnosisView
from initviz.ui.panels.base import Shown
from initviz.ui.theme import Theme


class SideColumn(QScrollArea):
    """Findings and the activation, for the lanes that are shown."""

    def __init__(self, diagnoses: Diagnoses) -> None:
        super().__init__()
        self._diagnoses = diagnoses
        self.setObjectName("side")
        self.setAccessibleName("Diagnosis and activation")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.diagnosis = DiagnosisView()
        self.activation = ActivationView()
        self._inside = inside = QWidget()
        inside.setProperty("role", "bar")
        self._body = body = QVBoxLayout(inside)
        body.setContentsMargins(14, 14, 14, 14)
        body.setSpacing(18)
        body.addWidget(self.diagnosis)
        body.addWidget(self.activation)
        body.addStretch(1)
        self.setWidget(inside)
        inside.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Qt asks for the least height without the width: lines that wrap would be squeezed.
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._inside.setMinimumHeight(self._body.heightForWidth(self._inside.width()))
        return super().eventFilter(watched, event)

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on."""
        self.diagnosis.set_theme(theme)
        self.activation.set_theme(theme)

    def show_data(self, shown: Sequence[Shown]) -> None:
        """Diagnose these lanes, each at its step."""
        findings = [
            (lane.letter, finding)
            for lane in shown
            for finding in self._diagnoses.of(lane.recording, lane.step, self.diagnosis.thresholds)
        ]
        step = shown[0].step if shown else 0
        self.diagnosis.show_findings(step, findings)
        hidden = (f.layer for _, f in findings if f.layer and f.layer.startswith("hidden"))
        self.activation.show_lane(shown[0] if shown else None, next(hidden, None))
