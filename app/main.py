"""The app: ``linli app`` or ``make app`` starts it."""

from __future__ import annotations

import streamlit as st

from app import page_what_if

st.set_page_config(page_title="Linli 邻里", layout="wide", initial_sidebar_state="collapsed")
page_what_if.show()
