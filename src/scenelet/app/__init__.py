"""The app: see the data, try the model, know its limits, in a browser.

Streamlit pages; torch is never imported.
"""
