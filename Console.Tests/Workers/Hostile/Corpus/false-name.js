// Says it is somebody else, so that another is blamed.
export default { fetch() { for (;;); } };
//# sourceURL=t/1@1/good.js
